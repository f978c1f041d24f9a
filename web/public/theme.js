// Runs before the first paint, so that a chosen theme never flashes in the other one. Without a choice the system decides.
try {
  var theme = localStorage.getItem('celeriac.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.style.colorScheme = theme
} catch {
  // Storage is switched off: the system's theme it is.
}

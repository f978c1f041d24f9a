/** Puts text on the clipboard. On plain HTTP, where the clipboard is closed, by the old way; false when neither works. */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (window.isSecureContext) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused, for instance without focus: the old way may still be open.
  }
  const opener = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.className = 'unseen'
  // Inside an open dialog: everything outside it is inert and cannot be selected.
  const home = document.querySelector('dialog[open]') ?? document.body
  home.append(area)
  area.select()
  let done: boolean
  try {
    done = document.execCommand('copy')
  } catch {
    done = false
  }
  area.remove()
  if (opener instanceof HTMLElement) opener.focus()
  return done
}

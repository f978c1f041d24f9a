/** Flags that name a broker, or ask for no fleet at all. */
const SAY_WHAT_TO_DO = ['--broker', '-b', '--broker-url', '--help', '-h', '--version', '-V']

/**
 * The arguments with which `npm start -- GIVEN` runs the program: the demo with the flags given, unless a command, a broker or help
 * is asked for, or `hasBroker` finds one in environment or configuration file. When that cannot be told because something is
 * wrong there, the program itself is to say so.
 *
 * @param {readonly string[]} given
 * @param {(config: string | undefined) => Promise<boolean>} hasBroker asked with the file that `--config` names
 * @returns {Promise<readonly string[]>}
 */
export async function startArguments(given, hasBroker) {
  const [word] = given
  if (word !== undefined && !word.startsWith('-')) return given
  const isGiven = flag =>
    given.some(
      arg =>
        arg === flag ||
        arg.startsWith(`${flag}=`) ||
        (flag.length === 2 && arg.startsWith(flag) && !arg.startsWith('--')),
    )
  if (SAY_WHAT_TO_DO.some(isGiven)) return given
  const at = given.findIndex(arg => /^(?:--config|-c)(?:=|$)/.test(arg))
  const config = at < 0 ? undefined : (/=(.*)/s.exec(given[at])?.[1] ?? given[at + 1])
  try {
    return (await hasBroker(config)) ? given : ['demo', ...given]
  } catch {
    return given
  }
}

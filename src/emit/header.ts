import type { EmitSettings } from './settings.ts'

/** The comment on top of a file: what it is, how it is used, and where it comes from. */
export const header = ({ command }: Pick<EmitSettings, 'command'>, what: string, use?: string): string =>
  [
    what,
    ...(use === undefined ? [] : [`Use it: ${use}`]),
    `Made by \`${command}\` from the catalog of Celeriac. Do not edit: change the catalog or the config, then emit again.`,
  ].join('\n')

import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'

/** A text; null when there is no such file (or the process is gone); undefined when it may not be read. */
export type FileText = string | null | undefined

/** Reads the host. Nothing here rejects: a process may end between two lines of code, and that is no fault. */
export interface HostFiles {
  read(path: string): Promise<FileText>
  /** Names of the folders in a folder; null when they cannot be listed. */
  folders(path: string): Promise<readonly string[] | null>
  link(path: string): Promise<FileText>
  /** Files opened so far: what a cycle's budget is counted in. */
  readonly opened: number
}

/** Longer ones are cut: only the beginning of an argument list or of a list of processes is of use. */
const MAX_BYTES = 512 * 1024

/** Files beneath `root`, `''` for this machine's. */
export function createHostFiles(root: string): HostFiles {
  let opened = 0
  return {
    get opened() {
      return opened
    },
    async read(path) {
      opened++
      try {
        return await readBeginning(root + path)
      } catch (error) {
        return isAbsent(error) ? null : undefined
      }
    },
    async folders(path) {
      opened++
      try {
        const entries = await readdir(root + path, { withFileTypes: true })
        return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
      } catch {
        // Not there or not allowed: nothing can be listed either way.
        return null
      }
    },
    async link(path) {
      opened++
      try {
        return await readlink(root + path)
      } catch (error) {
        return isAbsent(error) ? null : undefined
      }
    },
  }
}

/**
 * Never waits and never follows a last link: a file in a container's root is whatever its owner made it, a pipe or a link to a file
 * of ours too.
 */
async function readBeginning(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const chunks: Buffer[] = []
    let size = 0
    while (size < MAX_BYTES) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(8192), 0, 8192, null)
      if (bytesRead === 0) break
      chunks.push(buffer.subarray(0, bytesRead))
      size += bytesRead
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    await file.close()
  }
}

const ABSENT = new Set(['ENOENT', 'ESRCH', 'ENOTDIR'])

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && ABSENT.has(error.code)

/** The page as `gruta lab` serves it: the server, in a process of its own, and its address. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const OWN = '../../.venv/bin/python'
/** $PYTHON, else the environment's that `make install` made, else the one in use. */
const PYTHON = process.env.PYTHON ?? (existsSync(OWN) ? OWN : 'python3')

/** The server of some models, once it listens; stop it by `end`. */
export async function served(models) {
  const server = spawn(PYTHON, ['-m', 'gruta', 'lab', '--no-open', ...models], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let told = ''
  const address = await new Promise((resolve, reject) => {
    const hear = (data) => {
      told += String(data)
      const found = /http:\/\/\S+/.exec(told)
      if (found) resolve(found[0])
    }
    server.stdout.on('data', hear)
    server.stderr.on('data', hear)
    server.on('error', reject)
    server.on('exit', () => reject(new Error(`gruta lab ended: ${told.trim()}`)))
  })
  return { address, end: () => server.kill('SIGINT') }
}

/** The page without a model, compressed: at most 250 kB. */

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const MOST = 250_000
const size = gzipSync(readFileSync('dist/index.html'), { level: 9 }).length
console.log(`dist/index.html: ${size} bytes compressed, of ${MOST}`)
if (size > MOST) process.exit(1)

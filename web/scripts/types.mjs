// Write the API's types: `npm run types -- http://127.0.0.1:PORT/openapi.json` (or a file saved from there).
// Of the OpenAPI only the bodies are kept (web/openapi.json), without words for people: a better docstring changes nothing here.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import openapiTS, { astToString } from 'openapi-typescript'

const WORDS = new Set(['description', 'summary', 'title'])
const here = (path) => new URL(`../${path}`, import.meta.url)

/** Keys in order, without words; a property that is merely called `description` is a schema, not words. */
function bare(node) {
  if (Array.isArray(node)) return node.map(bare)
  if (node === null || typeof node !== 'object') return node
  const kept = Object.entries(node).filter(([key, value]) => !(WORDS.has(key) && typeof value === 'string'))
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, bare(value)]))
}

const source = process.argv[2]
if (!source) throw new Error('say where the OpenAPI is: an address or a file')
const raw = /^https?:/.test(source) ? await (await fetch(source)).text() : readFileSync(source, 'utf8')
const { openapi, components } = JSON.parse(raw)
const bodies = { openapi, info: { title: 'Mainline', version: '' }, paths: {}, components: { schemas: bare(components.schemas) } }
const text = JSON.stringify(bodies, null, 1) + '\n'
writeFileSync(here('openapi.json'), text)
const hash = createHash('sha256').update(text).digest('hex')
const types = astToString(await openapiTS(JSON.parse(text), { alphabetize: true, defaultNonNullable: false }))
writeFileSync(here('src/api/schema.d.ts'), `// Written by \`npm run types\` from openapi.json, sha256 ${hash}.\n\n${types}`)

import { createRequire } from 'node:module'

// DuckDB's client decodes every text with a TextDecoder that drops a byte order mark at its start: such a key, name or prompt
// would not come back as it was stored. The decoder is an exported property that the client reads anew for each text.
const accessors = createRequire(import.meta.url)('@duckdb/node-api/lib/vectors/dataAccessors.js') as {
  textDecoder: InstanceType<typeof TextDecoder>
}
accessors.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

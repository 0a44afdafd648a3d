import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settingsDocument } from './settings-doc.ts'

test('docs/settings.md lists the settings there are: `npm run docs` writes it', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/settings.md'), 'utf8')).toBe(settingsDocument())
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIG_SHAPE } from '../shared/config.ts'

/** `docs/settings.md` as text, from the one list of settings. */
export function settingsDocument(): string {
  const rows = Object.entries(CONFIG_SHAPE).map(([name, setting]) => {
    const fallback = setting.safeParse(undefined)
    const shown = fallback.success && fallback.data !== undefined && fallback.data !== '' ? `\`${fallback.data}\`` : ''
    return `| \`${name}\` | ${shown} | ${setting.description ?? ''} |`
  })
  return [
    '# Settings',
    '',
    'Environment variables, read once at start. Sizes are in bytes, times in milliseconds unless a name says days. This page is written by `npm run docs`.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../docs/settings.md'), settingsDocument())

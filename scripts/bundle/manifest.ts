import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { FUNCTION_NAMES, type FunctionName } from '../../shared/platform/functions.ts'

/** One function's bundle. */
export interface Bundle {
  /** Of the zip file that is deployed, absolute. */
  readonly path: string
  /** Hex SHA-256 of its bytes. */
  readonly sha256: string
  /** Of the files in it, unpacked. */
  readonly bytes: number
}
export type Manifest = Readonly<Record<FunctionName, Bundle>>

const FILE = 'manifest.json'

/** Writes which bundles are in `folder`, by paths relative to it. */
export function writeManifest(folder: string, manifest: Manifest): void {
  writeFileSync(join(folder, FILE), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** Reads what {@link writeManifest} wrote; throws an error that says what to do when it is not there or incomplete. */
export function readManifest(folder: string): Manifest {
  let manifest: Manifest
  try {
    manifest = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as Manifest
  } catch {
    throw new Error(`there are no bundles in ${folder}: run npm run bundle`)
  }
  const missing = FUNCTION_NAMES.filter((name) => manifest[name] === undefined)
  if (missing.length > 0) throw new Error(`there is no bundle of ${missing.join(', ')}: run npm run bundle`)
  const entries = FUNCTION_NAMES.map((name) => [
    name,
    { ...manifest[name], path: resolve(folder, manifest[name].path) },
  ])
  return Object.fromEntries(entries) as Manifest
}

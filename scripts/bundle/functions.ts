import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { FUNCTION_NAMES, type FunctionName } from '../../shared/platform/functions.ts'
import { type Bundle, type Manifest, writeManifest } from './manifest.ts'
import { sloppyModules } from './sloppy.ts'
import { zip } from './zip.ts'

const root = join(import.meta.dirname, '../..')
const FRAMEWORK = '@google-cloud/functions-framework'
const DUCKDB = '@duckdb/node-api'

/** What cannot be in a bundle: the framework, which Google's builder looks for, and what is not JavaScript. */
const EXTERNAL = [FRAMEWORK, DUCKDB]
/** What each function installs besides the framework. Others name DuckDB in code that they never run. */
const NATIVE: Readonly<Partial<Record<FunctionName, readonly string[]>>> = { lake: [DUCKDB] }

/** CommonJS dependencies expect what modules do not have. */
const BANNER = `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)
const __filename = import.meta.filename, __dirname = import.meta.dirname`

/**
 * Makes one source directory and one zip per function in `folder`: a single file of code, and a package.json that names nothing but
 * the framework, which Google's builder installs. The same sources give the same bytes.
 */
export async function bundleFunctions(
  folder: string,
  names: readonly FunctionName[] = FUNCTION_NAMES,
): Promise<Manifest> {
  const entries: [FunctionName, Bundle][] = []
  // One after the other: esbuild uses every core for one.
  for (const name of names) entries.push([name, await bundleFunction(folder, name)])
  const manifest = Object.fromEntries(entries) as Manifest
  writeManifest(folder, manifest)
  return manifest
}

async function bundleFunction(folder: string, name: FunctionName): Promise<Bundle> {
  const directory = join(folder, name)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const { outputFiles } = await build({
    entryPoints: [join(root, 'functions', name, 'index.ts')],
    outfile: join(directory, 'index.js'),
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: BANNER },
    external: EXTERNAL,
    plugins: [sloppyModules],
    legalComments: 'none',
    logLevel: 'error',
  })
  const files: Record<string, Uint8Array> = { 'package.json': Buffer.from(packageJson(name)) }
  for (const { path, contents } of outputFiles) files[path.slice(directory.length + 1)] = contents
  for (const [path, data] of Object.entries(files)) writeFileSync(join(directory, path), data)
  const archive = zip(files)
  writeFileSync(join(folder, `${name}.zip`), archive)
  return {
    path: `${name}.zip`,
    sha256: createHash('sha256').update(archive).digest('hex'),
    bytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
  }
}

function packageJson(name: FunctionName): string {
  const installed = [FRAMEWORK, ...(NATIVE[name] ?? [])].map((dependency) => [dependency, installedVersion(dependency)])
  const content = {
    name: `spanledger-${name}`,
    private: true,
    type: 'module',
    main: 'index.js',
    engines: { node: '>=24' },
    dependencies: Object.fromEntries(installed),
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

function installedVersion(dependency: string): string {
  const path = join(root, 'node_modules', dependency, 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

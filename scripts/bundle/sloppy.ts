import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

/**
 * Declares the variables that Thrift's generated code assigns without declaring them: outside of a bundle that makes globals, in a
 * module it is an error.
 */
export const sloppyModules: Plugin = {
  name: 'sloppy-modules',
  setup(build) {
    build.onLoad({ filter: /[\\/]gen-nodejs[\\/]\w+\.js$/ }, ({ path }) => {
      const code = readFileSync(path, 'utf8')
      const names = new Set(Array.from(code.matchAll(/^(\w+) = /gm), ([, name]) => name))
      return { contents: names.size > 0 ? `var ${[...names].join(', ')};\n${code}` : code, loader: 'js' }
    })
  },
}

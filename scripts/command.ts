import { describeError, isSpanledgerError, SpanledgerError } from '../shared/errors.ts'

/** A refusal of how a command was asked: it is shown with the usage. */
export function misuse(message: string): SpanledgerError {
  return new SpanledgerError('command/invalid', message)
}

/**
 * Runs this process as a command and prints what `main` returns. `--help` prints `usage`, and so does what is wrong with the arguments, on
 * standard error. The exit code is 2 for those, 1 for what else is thrown, and else what `main` has set.
 */
export async function runCommand(
  usage: string,
  main: (args: readonly string[]) => Promise<string | undefined>,
): Promise<void> {
  const args = process.argv.slice(2)
  // Whoever reads what is printed may have seen enough: `| head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  try {
    const said = args.some((arg) => arg === '--help' || arg === '-h') ? usage : await main(args)
    if (said !== undefined) process.stdout.write(`${said.trimEnd()}\n`)
  } catch (error) {
    const isMisuse = isSpanledgerError(error, 'command/invalid') || isParseError(error)
    process.stderr.write(`${describeError(error)}${isMisuse ? `\n\n${usage.trimEnd()}` : ''}\n`)
    process.exitCode = isMisuse ? 2 : 1
  }
}

/** What `parseArgs` throws. */
function isParseError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException | undefined)?.code).startsWith('ERR_PARSE_ARGS')
}

/** An option that is a whole number. Throws `command/invalid` for others, and out of `least` to `most`. */
export function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (value < least || value > most)
    throw misuse(`${name} must be a whole number of ${least} to ${most}, not ${JSON.stringify(text)}`)
  return value
}

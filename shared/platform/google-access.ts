import type { Config } from '../config.ts'
import { SpanledgerError } from '../errors.ts'

/** What an emulator's own tools set: where one stands in for Google, nobody signs in. */
const EMULATORS = ['FIRESTORE_EMULATOR_HOST', 'PUBSUB_EMULATOR_HOST', 'STORAGE_EMULATOR_HOST', 'BIGQUERY_EMULATOR_HOST']

/** Throws `config/invalid` that names the `settings` which are empty: Google's clients would guess, or say it in words of their own. */
export function requireSettings(config: Config, ...settings: readonly (keyof Config)[]): void {
  const missing = settings.filter((setting) => config[setting] === '')
  if (missing.length > 0)
    throw new SpanledgerError('config/invalid', `set ${missing.join(' and ')} to what the deployment has`)
}

/**
 * Throws `config/invalid` where a command that is to work on Google Cloud finds no credentials there. Asked first: of the clients one
 * ends the process without them, and the others try for half a minute and say that there was no answer.
 */
export async function requireCredentials(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (EMULATORS.some((name) => env[name])) return
  const { Storage } = await import('@google-cloud/storage')
  try {
    await new Storage().authClient.getClient()
  } catch (cause) {
    const advice = 'sign in by gcloud auth application-default login'
    throw new SpanledgerError('config/invalid', `there are no credentials for Google Cloud; ${advice}`, { cause })
  }
}

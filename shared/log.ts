import { pino } from 'pino'

/** Structured logs, one JSON object a line; `severity` is what Cloud Logging reads. Never pass a secret or a payload. */
export type Log = Pick<import('pino').Logger, 'debug' | 'info' | 'warn' | 'error'>

const SEVERITY: Record<string, string> = {
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
}

/** A logger for one part of the system. `level` is `info` where it is none: a start with such a setting is refused by its name. */
export function createLog(part: string, level = process.env.SPANLEDGER_LOG_LEVEL ?? ''): Log {
  return pino(
    {
      level: level === 'silent' || Object.hasOwn(SEVERITY, level) ? level : 'info',
      base: { part },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ severity: SEVERITY[label] ?? 'DEFAULT' }) },
      redact: ['authorization', 'headers', '*.authorization', '*.headers', 'secret', '*.secret'],
    },
    // Standard output is for people: what `npm start` prints and what commands answer.
    pino.destination({ fd: 2, sync: true }),
  )
}

import type { z } from 'zod'

/** What is wrong with one parameter, setting or member; `parameter` is its path, empty for the whole. */
export interface InputIssue {
  readonly parameter: string
  readonly detail: string
}

type Issue = z.core.$ZodIssue

/** A name that nothing has is told up to so many characters. */
const MAX_NAME = 200

const KINDS: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}

/** All that a schema refused, in words for whoever sent it. */
export function describeIssues({ issues }: z.ZodError): InputIssue[] {
  return issues.flatMap(flatten).flatMap((issue) => {
    const names = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    return names.map((name) => ({ parameter: name.join('.').slice(0, MAX_NAME), detail: describe(issue) }))
  })
}

/** What is said of a union that says nothing itself. */
const UNION = 'Invalid input'

/** Of a union the one form that was meant, which is the one whose kind is right; all of them where there is none such. */
function flatten(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.message !== UNION) return [issue]
  const isKind = ({ code, path }: Issue) => code === 'invalid_type' && path.length === 0
  const meant = issue.errors.find((form) => !form.some(isKind))
  if (meant === undefined) return [issue]
  return meant.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }))
}

function describe(issue: Issue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'unknown'
    case 'invalid_type':
      return describeType(issue)
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`
    case 'invalid_union': {
      const kinds = issue.errors.flatMap((form) => form.flatMap((inner) => ('expected' in inner ? inner.expected : [])))
      return kinds.length === 0 || issue.message !== UNION
        ? lowerCase(issue.message)
        : `must be ${[...new Set(kinds.map(kind))].join(' or ')}`
    }
    default:
      return lowerCase(issue.message)
  }
}

function describeType(issue: z.core.$ZodIssueInvalidType): string {
  const [, received] = /^Invalid input: expected \S+, received (\S+)$/.exec(issue.message) ?? []
  // One of our own messages says more.
  if (received === undefined) return issue.message
  const wanted = `must be ${kind(issue.expected)}`
  if (received === 'undefined') return `is missing; ${wanted}`
  return received === 'number' && issue.expected === 'int' ? wanted : `${wanted}, not ${kind(received)}`
}

function kind(name: string): string {
  return KINDS[name] ?? name
}

function lowerCase(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}

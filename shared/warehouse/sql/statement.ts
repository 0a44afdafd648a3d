/** A point in time as a parameter: each store binds it as its own timestamp. */
export interface Instant {
  /** Nanoseconds since 1970. */
  readonly nanos: bigint
}

/** What a statement may carry as a parameter. */
export type SqlValue = string | bigint | Instant

/** SQL text with `?` where each of `values` belongs. Made by {@link sql} only, so that no value is ever in the text. */
export interface Sql {
  readonly text: string
  readonly values: readonly SqlValue[]
}

/** A piece of SQL: what is interpolated is another piece, or a value, which becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...parts: readonly (Sql | SqlValue)[]): Sql {
  let text = strings[0] as string
  const values: SqlValue[] = []
  for (const [index, part] of parts.entries()) {
    if (isSql(part)) {
      text += part.text
      values.push(...part.values)
    } else {
      text += '?'
      values.push(part)
    }
    text += strings[index + 1]
  }
  return { text, values }
}

/** Pieces one after another. */
export function join(pieces: readonly Sql[], separator: ', ' | ' AND ' | ' OR ' | '\n' = ', '): Sql {
  return {
    text: pieces.map((piece) => piece.text).join(separator),
    values: pieces.flatMap((piece) => piece.values),
  }
}

/** A name of ours as SQL; throws on anything but `[a-z0-9_]`, so that no input can become one. */
export function identifier(name: string): Sql {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new TypeError(`not an identifier: ${JSON.stringify(name)}`)
  return { text: name, values: [] }
}

/** A list of values in parentheses. */
export function list(values: readonly SqlValue[]): Sql {
  return sql`(${join(values.map((value) => sql`${value}`))})`
}

function isSql(part: Sql | SqlValue): part is Sql {
  return typeof part === 'object' && 'text' in part
}

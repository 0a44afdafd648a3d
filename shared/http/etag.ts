/** A version as an `ETag`. */
export function etagOf(version: string): string {
  return `"${version}"`
}

/**
 * The version that an `If-Match` names; undefined where any will do. Weak ones count: compressing an answer makes its ETag
 * weak, and a client sends it back as it came.
 */
export function versionOf(ifMatch: string | undefined): string | undefined {
  const etag = ifMatch?.trim()
  return etag === '*' ? undefined : etag?.replace(/^(?:W\/)?"(.*)"$/, '$1')
}

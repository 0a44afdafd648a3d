/** Longest name or id that stands in a column, in UTF-16 units: stores hold them by the thousand in memory, and answers do. */
export const MAX_NAME_LENGTH = 1024

/** A name, cut where no sane one reaches. */
export function cutName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name
  const last = name.charCodeAt(MAX_NAME_LENGTH - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return name.slice(0, splitsPair ? MAX_NAME_LENGTH - 1 : MAX_NAME_LENGTH)
}

/** A service tier as providers write it in requests, lower-case; what emitters took from a response may be longer. */
export function normaliseServiceTier(name: string): string {
  const lower = name.toLowerCase()
  return lower.startsWith('on_demand_') ? lower.slice('on_demand_'.length) : lower
}

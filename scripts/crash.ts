import { killUnderLoad } from '../test/crash/sigkill.ts'

// The long run of test/crash: `npm run crash -- 200`.
const kills = Number(process.argv[2] ?? 200)
const report = await killUnderLoad({ kills })
console.log(JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? Number(value) : value)))
const { missing, repeated, missingInLake, tokensOff, budgetOff } = report
process.exit(missing || repeated || missingInLake || tokensOff || budgetOff ? 1 : 0)

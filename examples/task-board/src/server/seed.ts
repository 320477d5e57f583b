import type { RealtimeRepository } from '@dnr/repository'
import type { Status, Task } from '../shared/task.ts'

type Seed = readonly [title: string, notes: string, assignee: string | null]

const SEEDS: Readonly<Record<string, Readonly<Record<Status, readonly Seed[]>>>> = {
  red: {
    todo: [
      ['Write the release notes', 'Start from the merged pull requests since 2.3.', null],
      ['Ask legal about the new cookie banner', 'Marta needs two working days.', 'ines'],
      ['Warm up the image cache after deploys', 'First visitors wait 4 s for the hero image.', null],
    ],
    doing: [
      ['Rewrite the sign-up page', 'Three fields instead of nine; keep the old URL.', 'tom'],
      ['Find out why invoices arrive twice', 'Only for customers who pay by transfer.', 'ines'],
    ],
    done: [
      ['Move the status page to its own domain', '', 'tom'],
      ['Renew the certificate of mail.example', 'Now renews itself.', null],
    ],
  },
  blue: {
    todo: [
      ['Order badges for the spring meet-up', '180 people so far, 40 on the waiting list.', null],
      ['Book a room with a projector', '', 'lena'],
    ],
    doing: [['Confirm the second keynote', 'She prefers Thursday morning.', 'lena']],
    done: [['Publish the call for talks', '', null]],
  },
  green: {
    todo: [['Compare heat pump offers', 'Two of three are in the shared folder.', 'jonas']],
    doing: [['Measure the attic for insulation', '', null]],
    done: [['Replace the hallway lamps', '11 W instead of 60 W.', 'jonas']],
  },
}

const HOUR_MS = 3_600_000

/** Fills an empty table with something to look at, as if people had worked for some days. */
export async function seedDemo(tasks: RealtimeRepository<typeof Task>, now: number): Promise<void> {
  const { rows } = await tasks.find({ limit: 1 })
  if (rows.length > 0) return
  for (const [team, columns] of Object.entries(SEEDS)) {
    for (const [status, seeds] of Object.entries(columns) as [Status, readonly Seed[]][]) {
      for (const [index, [title, notes, assignee]] of seeds.entries()) {
        const createdAt = now - (seeds.length - index) * 7 * HOUR_MS
        const times = { createdAt, updatedAt: createdAt }
        await tasks.create({ title, notes, assignee, status, team, rank: index + 1, ...times })
      }
    }
  }
}

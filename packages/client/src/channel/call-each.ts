/** Calls who was there at the start and still is: who comes inside a call waits for the next round, who goes hears no more. */
export function callEach<Member>(members: ReadonlySet<Member>, call: (member: Member) => void): void {
  const atStart = [...members]
  for (const member of atStart) if (members.has(member)) call(member)
}

import { type FormEvent, useState } from 'react'
import { ADMIN, TEAMS } from '../../shared/user.ts'
import { signIn } from '../shell/open-board.ts'

export function SignIn() {
  const [complaint, setComplaint] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const { submitter } = event.nativeEvent as SubmitEvent
    const name = (form.get('name') as string).trim()
    if (name === '') return setComplaint('Say your name first.')
    setBusy(true)
    setComplaint(null)
    try {
      await signIn(name, (submitter as HTMLButtonElement | null)?.value ?? TEAMS[0], form.has('remember'))
    } catch (error) {
      setComplaint((error as Error).message)
      setBusy(false)
    }
  }

  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={(event) => void submit(event)}>
        <h1>Task board</h1>
        <p className="quiet">One board a team, live in every window.</p>
        <label>
          Your name
          <input
            name="name"
            autoComplete="nickname"
            autoFocus
            maxLength={64}
            aria-describedby="sign-in-complaint"
          />
        </label>
        <fieldset disabled={isBusy}>
          <legend>Join a team</legend>
          <div className="sign-in-teams">
            {TEAMS.map((team) => (
              <button key={team} className="button team-button" data-team={team} name="team" value={team}>
                <span className="team-dot" />
                {team}
              </button>
            ))}
          </div>
          <p className="sign-in-admin quiet">
            or{' '}
            <button className="link" name="team" value={ADMIN}>
              admin
            </button>
            , who sees every team and moves people between them
          </p>
        </fieldset>
        <label className="check">
          <input type="checkbox" name="remember" />
          Stay signed in on this device
        </label>
        <p id="sign-in-complaint" className="complaint" role="alert">
          {complaint}
        </p>
        <p className="hint">Open a second window, move a card, then stop the server.</p>
      </form>
    </main>
  )
}

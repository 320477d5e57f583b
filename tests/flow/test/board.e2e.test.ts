// The task board in a real browser, against the built server as a process.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { signInToBoard } from '../src/board-api.ts'
import { type BoardPage, openBoardPage } from '../src/board-page.ts'
import { startBoard } from '../src/board-process.ts'
import { chromiumOrSkip, launchChromium } from '../src/chromium.ts'
import { hasChromium, isCi } from '../src/chromium-path.ts'
import { temporaryFolder } from '../src/temporary-folder.ts'

let browser: Browser
beforeAll(async () => {
  if (hasChromium || isCi) browser = await launchChromium()
})
afterAll(() => browser?.close())

const PATIENCE = { timeout: 10_000, interval: 50 }

/** Waits until something read from a page is as expected. */
function expectSoon<T>(read: () => Promise<T>) {
  return expect.poll(read, PATIENCE)
}

const red = { team: 'red' }

chromiumOrSkip('two people of a team see each other’s tasks come, change, move and go', async () => {
  await using board = await startBoard()
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
  const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })

  const named = bob.card('Paint the fence').getByTestId('author').getByText('Alice').waitFor()
  await alice.page.keyboard.press('n')
  await alice.page.getByTestId('new-title').fill('Paint the fence')
  await alice.page.keyboard.press('Enter')
  await alice.page.getByTestId('new-title').fill('Water the plants')
  await alice.page.keyboard.press('Enter')
  await alice.page.keyboard.press('Escape')
  await expectSoon(() => bob.titles('todo')).toEqual(['Paint the fence', 'Water the plants'])
  await named

  // By keyboard.
  await bob.card('Paint the fence').focus()
  await bob.page.keyboard.press('m')
  await bob.page.keyboard.press('ArrowRight')
  await expectSoon(() => alice.titles('doing')).toEqual(['Paint the fence'])
  await bob.page.getByTestId('announcements').getByText('Moved “Paint the fence” to Doing, 1 of 1.').waitFor()
  expect(await bob.card('Paint the fence').evaluate((card) => card === document.activeElement)).toBe(true)

  // By mouse, above the other card.
  await drag(alice, 'Water the plants', 'Paint the fence')
  await expectSoon(() => bob.titles('doing')).toEqual(['Water the plants', 'Paint the fence'])
  await expectSoon(() => alice.titles('doing')).toEqual(['Water the plants', 'Paint the fence'])

  await bob.card('Water the plants').dblclick()
  await alice.card('Water the plants').getByText('Bob is editing').waitFor()
  await bob.page.getByLabel('Title').fill('Water the roses')
  await bob.page.getByLabel('Notes').fill('Not at noon.')
  await bob.page.getByLabel('Assignee').selectOption({ label: 'Alice' })
  await bob.page.getByRole('button', { name: 'Save' }).click()
  await alice.card('Water the roses').getByText('Not at noon.').waitFor()
  await alice.card('Water the roses').getByRole('img', { name: 'assigned to Alice' }).waitFor()
  await expectSoon(() => alice.page.getByTestId('editing').count()).toBe(0)

  await alice.card('Paint the fence').focus()
  await alice.page.keyboard.press('Delete')
  await alice.page.keyboard.press('Enter')
  await expectSoon(() => bob.titles('doing')).toEqual(['Water the roses'])
  await expectSoon(() => bob.page.getByTestId('mark-pending').count()).toBe(0)
  await closeQuietly(alice, bob)
})

chromiumOrSkip(
  'who is here is shown: a person once whatever their tabs, and gone when the last one closes',
  async () => {
    await using board = await startBoard()
    const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
    const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })
    await expectSoon(() => alice.people()).toEqual(['alice', 'bob'])
    await expectSoon(() => bob.people()).toEqual(['alice', 'bob'])
    const second = await openBoardPage(browser, board.url, { name: 'Bob', ...red })
    await alice.page
      .getByTestId('person-bob')
      .getByRole('img', { name: /2 tabs/ })
      .waitFor()
    expect(await alice.people()).toEqual(['alice', 'bob'])
    await closeQuietly(second)
    await expectSoon(() =>
      alice.page.getByTestId('person-bob').getByRole('img', { name: /tabs/ }).count(),
    ).toBe(0)
    expect(await alice.people()).toEqual(['alice', 'bob'])
    await signOut(bob)
    await expectSoon(() => alice.people()).toEqual(['alice'])
    await closeQuietly(alice, bob)
  },
)

chromiumOrSkip(
  'a refused write goes back on the screen, says why, and can be discarded or mended',
  async () => {
    await using board = await startBoard()
    const api = await signInToBoard(board.url, 'carol', 'red')
    await api.create({ title: 'Short' })
    const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
    const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })

    await alice.card('Short').dblclick()
    await alice.page.getByLabel('Title').fill('long '.repeat(60))
    await alice.page.keyboard.press('Enter')
    const refusal = alice.card('Short').getByTestId('refusal')
    await refusal.getByText('Server refused: title is longer than 200 characters.').waitFor()
    await alice.page.getByTestId('toasts').getByText('Server refused').waitFor()
    expect(await alice.titles('todo')).toEqual(['Short'])
    expect(await bob.titles('todo')).toEqual(['Short'])

    await refusal.getByRole('button', { name: 'Edit' }).click()
    await alice.page.getByLabel('Title').fill('Just right')
    await alice.page.keyboard.press('Enter')
    await expectSoon(() => bob.titles('todo')).toEqual(['Just right'])
    expect(await alice.page.getByTestId('refusal').count()).toBe(0)

    // A new task that is refused keeps its words.
    await alice.page.getByRole('button', { name: 'New task in Done' }).click()
    await alice.page.getByTestId('new-title').fill('y'.repeat(201))
    await alice.page.keyboard.press('Enter')
    await alice.column('done').getByTestId('refused-card').waitFor()
    await alice.page.keyboard.press('Escape')
    await alice.page.getByRole('button', { name: 'Discard' }).click()
    await expectSoon(() => alice.titles('done')).toEqual([])
    await closeQuietly(alice, bob)
  },
)

chromiumOrSkip('another team sees none of it: not the tasks, not the people', async () => {
  await using board = await startBoard()
  const api = await signInToBoard(board.url, 'alice', 'red')
  const handed = await api.create({ title: 'To be handed over' })
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
  const eve = await openBoardPage(browser, board.url, { name: 'Eve', team: 'blue' })
  const frames: string[] = []
  const heard = await eve.page.context().newCDPSession(eve.page)
  await heard.send('Network.enable')
  heard.on('Network.webSocketFrameReceived', ({ response }) => frames.push(response.payloadData))

  await api.create({ title: 'A red secret' })
  await alice.card('A red secret').waitFor()
  await alice.card('A red secret').dblclick()
  await alice.page.keyboard.press('Escape')
  // Once the task that is handed over is here, what came before it would have been, too.
  await api.request('PATCH', `/api/Task/${handed.id}`, { body: { team: 'blue' } })
  await eve.card('To be handed over').waitFor()
  await expectSoon(() => alice.titles('todo')).toEqual(['A red secret'])
  expect(await eve.titles('todo')).toEqual(['To be handed over'])
  expect(await eve.people()).toEqual(['eve'])
  expect(frames.join('\n')).not.toMatch(/secret|alice/i)
  await closeQuietly(alice, eve)
})

chromiumOrSkip('an admin moves somebody to another team, and everybody’s page follows', async () => {
  await using board = await startBoard()
  const api = await signInToBoard(board.url, 'root', 'admin')
  await api.create({ title: 'Red plan', team: 'red' })
  await api.create({ title: 'Blue plan', team: 'blue' })
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
  const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })
  const carol = await openBoardPage(browser, board.url, { name: 'Carol', team: 'blue' })
  const root = await openBoardPage(browser, board.url, { name: 'Root', team: 'admin' })
  await expectSoon(() => alice.people()).toEqual(['alice', 'bob'])
  await expectSoon(() => root.people()).toEqual(['alice', 'bob', 'carol', 'root'])
  expect(await bob.titles('todo')).toEqual(['Red plan'])
  await bob.page.evaluate(() => Object.assign(window, { isSamePage: true }))
  const sockets: string[] = []
  bob.page.on('websocket', (socket) => sockets.push(socket.url()))

  await openDrawer(root, 'Members')
  await root.page.getByLabel('Team of Bob').selectOption('blue')
  await bob.page.getByTestId('toasts').getByText('Root moved you to team blue.').waitFor()
  await expectSoon(() => bob.titles('todo')).toEqual(['Blue plan'])
  await expectSoon(() => bob.people()).toEqual(['bob', 'carol'])
  await expectSoon(() => alice.people()).toEqual(['alice'])
  await expectSoon(() => carol.people()).toEqual(['bob', 'carol'])
  await expectSoon(() => bob.page.getByTestId('team').textContent()).toBe('blue')
  expect(await bob.page.locator('html').getAttribute('data-team')).toBe('blue')
  expect(await bob.page.evaluate(() => 'isSamePage' in window)).toBe(true)
  expect(sockets).toEqual([])
  expect(await alice.titles('todo')).toEqual(['Red plan'])

  // What is written there now is written for the new team, and others see where he is.
  await bob.card('Blue plan').dblclick()
  await carol.card('Blue plan').getByText('Bob is editing').waitFor()
  await root.card('Blue plan').getByText('Bob is editing').waitFor()
  await bob.page.keyboard.press('Escape')
  await bob.page.keyboard.press('n')
  await bob.page.getByTestId('new-title').fill('By Bob')
  await bob.page.keyboard.press('Enter')
  await carol.card('By Bob').waitFor()

  // A reload begins where he is now; a move while he is away is told when he is back.
  await bob.page.reload()
  await bob.page.locator('html[data-team=blue]').waitFor()
  await expectSoon(() => bob.titles('todo')).toEqual(['Blue plan', 'By Bob'])
  await switchOffline(bob)
  await root.page.getByTestId('member-bob').waitFor({ state: 'detached' })
  await api.request('PUT', '/api/members', { body: { id: 'bob', team: 'red' } })
  await bob.page.getByRole('button', { name: 'Go online' }).click()
  await bob.page.getByTestId('toasts').getByText('You are in team red now.').waitFor()
  await expectSoon(() => bob.titles('todo')).toEqual(['Red plan'])
  await expectSoon(() => alice.people()).toEqual(['alice', 'bob'])
  await closeQuietly(alice, bob, carol, root)
})

chromiumOrSkip('a key is heard that comes before the frame in which the editor goes', async () => {
  await using board = await startBoard()
  const api = await signInToBoard(board.url, 'root', 'admin')
  await api.create({ title: 'Red plan', ...red })
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
  await alice.card('Red plan').dblclick()
  await alice.page.getByTestId('editor').waitFor()
  const focused = await alice.page.evaluate(async () => {
    const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    await nextFrame()
    const press = async (key: string) => {
      document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
      await Promise.resolve()
      return document.activeElement?.getAttribute('data-testid')
    }
    const afterEscape = await press('Escape')
    const afterN = await press('n')
    await nextFrame()
    await nextFrame()
    return [afterEscape, afterN, document.activeElement?.getAttribute('data-testid')]
  })
  expect(focused).toEqual(['card', 'new-title', 'new-title'])
  await closeQuietly(alice)
})

chromiumOrSkip('a task that is handed to another team leaves one board and comes to the other', async () => {
  await using board = await startBoard()
  const api = await signInToBoard(board.url, 'root', 'admin')
  await api.create({ title: 'Hot potato', team: 'red' })
  await api.create({ title: 'Red plan', team: 'red' })
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
  const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })
  const carol = await openBoardPage(browser, board.url, { name: 'Carol', team: 'blue' })
  await alice.card('Hot potato').dblclick()
  await alice.page.getByLabel('Team').selectOption('blue')
  await alice.page.getByRole('button', { name: 'Save' }).click()
  await alice.page.getByTestId('toasts').getByText('Handed to blue.').waitFor()
  await expectSoon(() => carol.titles('todo')).toEqual(['Hot potato'])
  await expectSoon(() => alice.titles('todo')).toEqual(['Red plan'])
  await expectSoon(() => bob.titles('todo')).toEqual(['Red plan'])
  await closeQuietly(alice, bob, carol)
})

chromiumOrSkip('an admin asks of an event why somebody got it', async () => {
  await using board = await startBoard({ EXPLAIN: '1' })
  const root = await openBoardPage(browser, board.url, { name: 'Root', team: 'admin' })
  const eve = await openBoardPage(browser, board.url, { name: 'Eve', team: 'blue' })
  await openDrawer(root, 'Under the hood')
  await (await signInToBoard(board.url, 'alice', 'red')).create({ title: 'A red secret' })
  await root.page.getByTestId('journal').getByRole('button', { name: 'Task created' }).click()
  const explanation = root.page.getByTestId('explanation')
  await explanation.getByText('sent as created').waitFor()
  await explanation.getByRole('combobox').selectOption('Eve')
  await explanation.getByText('not sent').waitFor()
  await closeQuietly(root, eve)
})

chromiumOrSkip(
  'a server that is killed and comes back finds both pages at the truth, without a reload',
  async () => {
    await using folder = await temporaryFolder()
    await using board = await startBoard({
      DATABASE_URL: `file:${folder.file('tasks.db')}`,
      DNR_SECRET: 'of this test',
    })
    const api = await signInToBoard(board.url, 'carol', 'red')
    const kept = await api.create({ title: 'Kept' })
    const doomed = await api.create({ title: 'Doomed' })
    const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
    const bob = await openBoardPage(browser, board.url, { name: 'Bob', ...red })
    await expectSoon(() => bob.titles('todo')).toEqual(['Kept', 'Doomed'])
    for (const { page } of [alice, bob])
      await page.evaluate(() => Object.assign(window, { isSamePage: true }))

    // Written before, killed at once: committed is published, if not by this process, then by the next.
    await api.create({ title: 'Last words', status: 'doing' })
    await board.kill()
    for (const { page } of [alice, bob])
      await page.locator('[data-testid=board][data-status=stale]').waitFor()
    await alice.page.keyboard.press('n')
    for (const title of ['Written offline', 'And another']) {
      await alice.page.getByTestId('new-title').fill(title)
      await alice.page.keyboard.press('Enter')
    }
    await alice.page.keyboard.press('Escape')
    await alice.page.getByTestId('waiting').getByText('2 changes waiting').waitFor()
    expect(await alice.page.getByTestId('mark-pending').count()).toBe(2)

    await board.start()
    await api.request('PATCH', `/api/Task/${kept.id}`, {
      body: { title: 'Kept and changed', status: 'done' },
    })
    await api.request('DELETE', `/api/Task/${doomed.id}`)
    for (const page of [alice, bob]) {
      await expectSoon(() => retryNow(page)).toBe('Live')
      await expectSoon(() => page.titles('todo')).toEqual(['Written offline', 'And another'])
      await expectSoon(() => page.titles('doing')).toEqual(['Last words'])
      await expectSoon(() => page.titles('done')).toEqual(['Kept and changed'])
      await expectSoon(() => page.people()).toEqual(['alice', 'bob'])
      expect(await page.page.evaluate(() => 'isSamePage' in window)).toBe(true)
    }
    await expectSoon(() => alice.page.getByTestId('mark-pending').count()).toBe(0)
    const { body } = await api.request<{ rows: { title: string }[] }>('GET', '/api/Task')
    expect(body.rows.map(({ title }) => title).sort()).toEqual([
      'And another',
      'Kept and changed',
      'Last words',
      'Written offline',
    ])
    await closeQuietly(alice, bob)
  },
)

chromiumOrSkip(
  'says how many changes wait, also while it is not known yet that the network is dead',
  async () => {
    await using board = await startBoard()
    const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
    await alice.page.context().setOffline(true) // stalls the open socket, as a dead network does
    await alice.page.keyboard.press('n')
    await alice.page.getByTestId('new-title').fill('Held up')
    await alice.page.keyboard.press('Enter')
    await alice.page.keyboard.press('Escape')
    await alice.page.getByTestId('connection').filter({ hasText: 'Live1 change waiting' }).waitFor()
    await alice.page.context().setOffline(false)
    await expectSoon(() => alice.page.getByTestId('waiting').count()).toBe(0)
    expect(await alice.page.getByTestId('mark-pending').count()).toBe(0)
    await closeQuietly(alice)
  },
)

chromiumOrSkip('two people who changed the same words offline are asked, others are merged', async () => {
  await using board = await startBoard()
  const api = await signInToBoard(board.url, 'carol', 'red')
  const { id } = await api.create({ title: 'Draft' })
  const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })

  await switchOffline(alice)
  await alice.page.getByTestId('connection').getByText('Offline').waitFor()
  await edit(alice, 'Draft', 'Draft by Alice')
  await api.request('PATCH', `/api/Task/${id}`, { body: { title: 'Draft by Carol', notes: 'With notes.' } })
  await alice.page.getByRole('button', { name: 'Go online' }).click()
  const conflict = alice.page.getByTestId('conflict')
  await conflict.getByText('Draft by Carol').waitFor()
  await conflict.getByRole('button', { name: 'Keep mine' }).click()
  await expectSoon(async () => (await api.request('GET', `/api/Task/${id}`)).body).toMatchObject({
    title: 'Draft by Alice',
    notes: 'With notes.',
  })

  await switchOffline(alice)
  await edit(alice, 'Draft by Alice', 'Mine')
  await api.request('PATCH', `/api/Task/${id}`, { body: { title: 'Theirs' } })
  await alice.page.getByRole('button', { name: 'Go online' }).click()
  await alice.page.getByTestId('conflict').getByRole('button', { name: 'Take theirs' }).click()
  await expectSoon(() => alice.titles('todo')).toEqual(['Theirs'])
  expect(await alice.page.getByTestId('refusal').count()).toBe(0)
  await closeQuietly(alice)
})

chromiumOrSkip(
  'whose session does not hold is asked to sign in again, and is not told that there is nothing',
  async () => {
    await using board = await startBoard()
    const alice = await openBoardPage(browser, board.url, { name: 'Alice', ...red })
    const { page } = alice
    expect(await page.getByText('Nothing here.').first().isVisible()).toBe(true)

    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem('task-board.session') ?? '{}') as object
      sessionStorage.setItem('task-board.session', JSON.stringify({ ...kept, token: 'forged' }))
    })
    await page.reload()
    await page.getByRole('button', { name: 'Sign in again' }).waitFor()
    expect(await page.getByText('Nothing here.').first().isVisible()).toBe(false)
    await closeQuietly(alice)
  },
)

async function drag({ page, card }: BoardPage, title: string, onto: string): Promise<void> {
  await card(onto).hover() // waits until it no longer glides
  await card(title).hover({ position: { x: 40, y: 20 } })
  const to = await card(onto).boundingBox()
  if (to === null) throw new Error(`There is no card "${onto}" on the screen.`)
  await page.mouse.down()
  await page.mouse.move(to.x + 60, to.y + 30, { steps: 4 })
  await page.mouse.move(to.x + 60, to.y + 6, { steps: 2 })
  await page.mouse.up()
}

async function edit({ page, card }: BoardPage, title: string, next: string): Promise<void> {
  await card(title).dblclick()
  await page.getByLabel('Title').fill(next)
  await page.keyboard.press('Enter')
  await card(next).waitFor()
}

async function switchOffline({ page }: BoardPage): Promise<void> {
  await page.getByTestId('menu-button').click()
  await page.getByTestId('offline-switch').click()
  await page.keyboard.press('Escape')
}

/** Presses the button when there is one, and answers what the page says of its connection. */
async function retryNow({ page }: BoardPage): Promise<string | null> {
  const button = page.getByRole('button', { name: 'Retry now' })
  await button.click({ timeout: 200 }).catch(() => {})
  return page.getByTestId('connection').locator('.pill-text').textContent()
}

async function openDrawer({ page }: BoardPage, name: string): Promise<void> {
  await page.getByTestId('menu-button').click()
  await page.getByRole('button', { name }).click()
}

async function signOut({ page }: BoardPage): Promise<void> {
  await page.getByTestId('menu-button').click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Your name').waitFor()
}

/** Closes pages on which nothing went wrong unseen. */
async function closeQuietly(...pages: readonly BoardPage[]): Promise<void> {
  for (const { complaints, close } of pages) {
    expect(complaints).toEqual([])
    await close()
  }
}

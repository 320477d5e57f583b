import type { Browser, Locator, Page } from 'playwright-core'

/** The task board as one person has it on the screen. */
export interface BoardPage {
  readonly page: Page
  /** What the browser complained about: exceptions, and errors in its console. */
  readonly complaints: readonly string[]
  card(title: string): Locator
  column(status: 'todo' | 'doing' | 'done'): Locator
  /** Titles of a column, from top to bottom. */
  titles(status: 'todo' | 'doing' | 'done'): Promise<readonly string[]>
  /** Ids of the people who are shown as here. */
  people(): Promise<readonly string[]>
  close(): Promise<void>
}

/** Opens the board in a browser profile of its own and signs in. */
export async function openBoardPage(
  browser: Browser,
  url: string,
  { name, team }: { readonly name: string; readonly team: string },
): Promise<BoardPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A browser reports by itself that a server is away: that is what some tests are about.
    const isOurs = !/WebSocket connection to|ERR_CONNECTION_REFUSED/.test(message.text())
    if (message.type() === 'error' && isOurs) complaints.push(message.text())
  })
  await page.goto(url)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: team, exact: true }).click()
  await page.getByTestId('connection').getByText('Live').waitFor()
  await page.locator('[data-testid=board][data-status=live]').waitFor()
  const column: BoardPage['column'] = (status) => page.getByTestId(`column-${status}`)
  return {
    page,
    complaints,
    column,
    card: (title) =>
      page.getByTestId('card').filter({ has: page.getByTestId('title').getByText(title, { exact: true }) }),
    titles: (status) => column(status).getByTestId('title').allTextContents(),
    people: () =>
      page
        .getByTestId('people')
        .locator('[data-testid^=person-]')
        .evaluateAll((items) => items.map((item) => item.getAttribute('data-testid')?.slice(7) ?? '').sort()),
    close: () => context.close(),
  }
}

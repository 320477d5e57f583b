export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'task-board.theme'

export function readTheme(): Theme {
  const text = localStorage.getItem(KEY)
  return THEMES.find((theme) => theme === text) ?? 'auto'
}

/** Every colour is a `light-dark()` pair, so the scheme is all there is to set. */
export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === 'auto' ? 'light dark' : theme
  localStorage.setItem(KEY, theme)
}

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './shell/app.tsx'
import { applyTheme, readTheme } from './shell/theme.ts'
import './styles/base.css'
import './styles/controls.css'
import './styles/sign-in.css'
import './styles/top-bar.css'
import './styles/board.css'
import './styles/card.css'
import './styles/drawer.css'
import './styles/hood.css'
import './styles/members.css'

applyTheme(readTheme())
const root = document.getElementById('root')
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}

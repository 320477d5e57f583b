/** SQL with blanks for its comments, texts and quoted names: what is left are words, each in its place. */
export function wordsOf(sql: string): string {
  return sql.replace(NO_WORDS, (text) => ' '.repeat(text.length))
}

const NO_WORDS = /--.*|\/\*[^]*?\*\/|'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]/g

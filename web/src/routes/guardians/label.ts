// What an owner calls a guardian: at most sixty bytes are kept.

const mostBytes = 60;
const bytes = new TextEncoder();

/** As much of it as is kept, cut between characters. */
export function short(text: string): string {
  let kept = '';
  for (const character of text.trim()) {
    if (bytes.encode(kept + character).length > mostBytes) break;
    kept += character;
  }
  return kept;
}

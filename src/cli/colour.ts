import { styleText } from 'node:util';

/** A stream that may be a terminal. */
interface Stream {
  isTTY?: boolean;
}

/** Whether what goes there may be in colour: on a terminal that knows colours, unless NO_COLOR (no-color.org) says otherwise. */
export function mayColour(stream: Stream, environment: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

function coloured(colour: 'green' | 'red', text: string, stream: Stream): string {
  return text !== '' && mayColour(stream) ? styleText(colour, text) : text;
}

/** What a reader hopes for. The words must say it, too: colour is never the only sign. */
export function good(text: string): string {
  return coloured('green', text, process.stdout);
}

/** What a reader must not miss. The words must say it, too. */
export function bad(text: string, stream: Stream = process.stdout): string {
  return coloured('red', text, stream);
}

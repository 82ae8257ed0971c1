#!/usr/bin/env node
import { guardStreams } from './output-streams.js';
import { errorPrefix, OUR_MISTAKE, run } from './program.js';

/** Ends the process after all output is flushed, or its errors have been reported. */
function end(exitCode: number): void {
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit(exitCode))));
}

guardStreams((code) => {
  process.stderr.write(`${errorPrefix()} standard output: cannot be written (${code}); free some space\n`);
  process.exit(OUR_MISTAKE);
});

/** Nothing is left to wait for, but the command has not ended: code of the user's, a contender's, waits forever. */
function waitsForever(): void {
  process.stderr.write(`${errorPrefix()} the command waits for a promise that nothing settles\n`);
  process.exit(OUR_MISTAKE);
}

process.once('beforeExit', waitsForever);
run(process.argv.slice(2)).then((exitCode) => {
  process.off('beforeExit', waitsForever);
  end(exitCode);
});

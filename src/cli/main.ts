#!/usr/bin/env node
import { guardStreams } from './output-streams.js';
import { errorPrefix, OUR_MISTAKE, run } from './program.js';

/** Ends the process once everything that was written has left it, or has failed to, which is told a moment later. */
function end(exitCode: number): void {
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit(exitCode))));
}

guardStreams((code) => {
  process.stderr.write(`${errorPrefix()} standard output: cannot be written (${code}); free some space\n`);
  process.exit(OUR_MISTAKE);
});

run(process.argv.slice(2)).then(end);

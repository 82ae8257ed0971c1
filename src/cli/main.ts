#!/usr/bin/env node
import { complaint, OUR_MISTAKE, run } from './program.js';

/** Ends the process once everything that was written has left it, or has failed to, which is told a moment later. */
function end(exitCode: number): void {
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit(exitCode))));
}

// A reader that has seen enough (`parsimony … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(
    `${complaint()} standard output: cannot be written (${error.code}); free some space\n`,
  );
  process.exit(OUR_MISTAKE);
});

run(process.argv.slice(2)).then(end);

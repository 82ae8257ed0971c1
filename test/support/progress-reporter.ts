import {
  DefaultReporter,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
  type TestSpecification,
} from 'vitest/node';

/** After this number of seconds without a line, a line lists the running files. */
const QUIET_SECONDS = 10;

/**
 * The output of a run without a terminal: a line for every file that ended, with the counts so far, and one for the running
 * files when none has ended for a while. Failures are printed as usual.
 */
export default class ProgressReporter extends DefaultReporter {
  private files = 0;
  private finished = 0;
  private readonly counts = { passed: 0, failed: 0 };
  private readonly running = new Set<string>();
  private began = 0;
  private lastLine = 0;
  private timer: NodeJS.Timeout | undefined;

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    super.onTestRunStart(specifications);
    this.files = specifications.length;
    this.began = this.lastLine = performance.now();
    this.timer = setInterval(() => {
      if (performance.now() - this.lastLine < 1000 * QUIET_SECONDS) return;
      this.printLine(`running: ${[...this.running].join(', ') || 'none yet'}`);
    }, 1000);
    this.timer.unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.running.add(module.relativeModuleId);
  }

  override onTestCaseResult(test: TestCase): void {
    super.onTestCaseResult(test);
    const { state } = test.result();
    if (state === 'passed' || state === 'failed') this.counts[state]++;
  }

  override onTestModuleEnd(module: TestModule): void {
    this.finished++;
    this.running.delete(module.relativeModuleId);
    this.printLine(module.relativeModuleId);
    if (module.state() === 'failed') super.onTestModuleEnd(module);
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: Parameters<DefaultReporter['onTestRunEnd']>[1],
    reason: TestRunEndReason,
  ): void {
    clearInterval(this.timer);
    super.onTestRunEnd(modules, errors, reason);
  }

  private printLine(text: string): void {
    this.lastLine = performance.now();
    const seconds = Math.round((this.lastLine - this.began) / 1000);
    const { passed, failed } = this.counts;
    const digits = String(this.files).length;
    const files = String(this.finished).padStart(digits);
    this.log(`[${files}/${this.files} files, ${passed} passed, ${failed} failed, ${seconds} s] ${text}`);
  }
}

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const FLAGS = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** Tests wait long for a state of the page, since a busy machine is slow. */
export const PATIENT = { timeout: 120_000, interval: 50 };

const LIBRARIES = 'al2023/lib';

function hasLibraries(): boolean {
  return spawnSync('ldconfig', ['-p'], { encoding: 'utf8' }).stdout?.includes('libnss3.so') ?? false;
}

/**
 * The folder with Chromium as `@sparticuz/chromium` unpacks it, beside SwiftShader and, on a system that lacks them, the
 * libraries that it needs. They are unpacked elsewhere and renamed, since another test process may unpack them, too.
 */
async function unpacked(): Promise<string> {
  const manifest = createRequire(import.meta.url)
    .resolve('@sparticuz/chromium')
    .replace(/build.*/, 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const folder = join(tmpdir(), `parsimony-chromium-${version}`);
  if (existsSync(folder)) return folder;
  const temporary = mkdtempSync(join(tmpdir(), 'parsimony-unpacking-'));
  const { TMPDIR } = process.env;
  process.env.TMPDIR = temporary;
  // With this variable the package detects a system without libraries.
  if (!hasLibraries()) process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs20.x';
  try {
    const { default: chromium } = await import('@sparticuz/chromium');
    await chromium.executablePath();
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true });
    if (!existsSync(folder)) throw error;
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  return folder;
}

/** Opens a headless Chromium whose WebGPU is SwiftShader. */
export async function openChromium(): Promise<Browser> {
  const folder = await unpacked();
  const libraries = join(folder, LIBRARIES);
  return puppeteer.launch({
    executablePath: join(folder, 'chromium'),
    headless: 'shell',
    args: FLAGS,
    timeout: PATIENT.timeout,
    env: { ...process.env, ...(existsSync(libraries) && { LD_LIBRARY_PATH: libraries }) },
  });
}

/** A page with its errors, warnings and failed requests. */
export async function openPage(browser: Browser): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENT.timeout);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => {
    // An answer without a body is reported as aborted.
    if (request.method() !== 'HEAD') complaints.push(`${request.url()} ${request.failure()?.errorText}`);
  });
  return { page, complaints };
}

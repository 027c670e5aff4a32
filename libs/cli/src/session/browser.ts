import { spawn } from 'node:child_process';

/** Whether a browser can show itself to whoever runs the command. */
export function hasBrowser(platform: NodeJS.Platform, env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (!terminal || env['SSH_CONNECTION'] || env['CI']) return false;
  return platform === 'darwin' || platform === 'win32' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
}

/** What opens an address there. None goes through a shell: the address comes from a server. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };

/** Opens the address where it can. It never fails: the address has been printed. */
export function openBrowser(address: URL, platform = process.platform): void {
  if (address.protocol !== 'https:' && address.protocol !== 'http:') return;
  const [command, ...args] = OPENERS[platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, address.href], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { install } = await import('evenkeel');
  install();
}

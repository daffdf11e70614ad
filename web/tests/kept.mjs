// What a desk's browser keeps of those who were there, asked of the browser's own tools.

import assert from 'node:assert/strict';

/** No entry of the history says more than where the page is. */
export async function isBare(desk, stage) {
  const tools = await desk.context.newCDPSession(desk.page);
  const { entries } = await tools.send('Page.getNavigationHistory');
  const ours = entries.filter(({ url }) => url.startsWith(stage.url));
  assert.ok(ours.length > 0);
  for (const { url, title } of ours) assert.deepEqual([url, title], [`${stage.url}/?kiosk`, desk.t('page-title')]);
  await tools.detach();
}

/** Everything that a site can keep in a browser, asked of the browser's own tools: nothing, but for the
 *  `expected` pairs of its storage. */
export async function inspect(desk, stage, expected = []) {
  const tools = await desk.context.newCDPSession(desk.page);
  const origin = new URL(stage.url).origin;
  const { databaseNames } = await tools.send('IndexedDB.requestDatabaseNames', { securityOrigin: origin });
  const { caches } = await tools.send('CacheStorage.requestCacheNames', { securityOrigin: origin });
  const { cookies } = await tools.send('Network.getAllCookies');
  const stored = [];
  for (const isLocalStorage of [true, false]) {
    const storageId = { securityOrigin: origin, isLocalStorage };
    stored.push(...(await tools.send('DOMStorage.getDOMStorageItems', { storageId })).entries);
  }
  const { usage } = await tools.send('Storage.getUsageAndQuota', { origin });
  await tools.detach();
  const workers = await desk.page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  const state = await desk.page.evaluate(() => window.name);
  assert.deepEqual(
    { databaseNames, caches, cookies, stored, usage, workers, state },
    { databaseNames: [], caches: [], cookies: [], stored: expected, usage: 0, workers: 0, state: '' },
  );
  await isBare(desk, stage);
}

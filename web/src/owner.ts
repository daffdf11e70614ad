// The owner's page starts here.

import { ownerRoutes, ownerTabs } from './routes/owner';
import { startPage } from './lib/page';
import { vault } from './lib/vault.svelte';
import { connect } from './worker/owner';

void startPage({ routes: ownerRoutes, tabs: ownerTabs }, async () => {
  const { safe, desk } = connect();
  await vault.connect(safe, desk);
});

// The main story in Arabic, from right to left.

import { findsNothing } from '../scan.mjs';
import { journey } from '../stage.mjs';
import { tellStory } from '../story.mjs';

const names = {
  photo: 'بطاقة الإقامة', other: 'عقد إيجار', pdf: 'عقد العمل', renamed: 'عقد قديم', owner: 'أمينة', purpose: 'طلب سكن',
  manager: 'كلير', worker: 'كريم', structure: 'Centre d’accueil Les Tilleuls', place: 'Roubaix',
};

journey('a paper is kept, given and taken back, in Arabic', { name: 'arabic', record: true }, async (stage) => {
  const canaries = await tellStory(stage, 'ar', names);
  findsNothing(stage, canaries, { name: names.structure });
});

// Days, moments and sizes as the person's language writes them. Times are seconds since 1970.

import { words } from './words.svelte';

const aDay = 86_400;

function write(at: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(words.language.intl, options).format(new Date(at * 1000));
}

export function day(at: number): string {
  return write(at, { day: 'numeric', month: 'long', year: 'numeric' });
}

export function moment(at: number): string {
  return write(at, { day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit' });
}

/** The time of day; with its day when that is not today. */
export function clock(at: number): string {
  const today = new Date(at * 1000).toDateString() === new Date().toDateString();
  return today ? write(at, { hour: 'numeric', minute: '2-digit' }) : moment(at);
}

const units = [
  { unit: 'gigabyte', bytes: 1_000_000_000, from: 950_000_000, digits: 1 },
  { unit: 'megabyte', bytes: 1_000_000, from: 100_000, digits: 1 },
  { unit: 'kilobyte', bytes: 1_000, from: 0, digits: 0 },
] as const;

export function size(bytes: number): string {
  const scale = units.find(({ from }) => bytes >= from) ?? units[2];
  return new Intl.NumberFormat(words.language.intl, {
    style: 'unit', unit: scale.unit, unitDisplay: 'short', maximumFractionDigits: scale.digits,
  }).format(bytes / scale.bytes);
}

function endOf(date: Date): number {
  date.setHours(23, 59, 59, 0);
  return Math.floor(date.getTime() / 1000);
}

/** The last second of the day that is `days` after today. */
export function endOfDayIn(days: number): number {
  return endOf(new Date(Date.now() + days * aDay * 1000));
}

/** The last second of a day; null when the calendar has no such day. */
export function endOfDay(year: number, month: number, dayOfMonth: number): number | null {
  const date = new Date(year, month - 1, dayOfMonth);
  const real = date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === dayOfMonth;
  return real ? endOf(date) : null;
}

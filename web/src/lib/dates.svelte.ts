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

export function size(bytes: number): string {
  const mega = bytes >= 100_000;
  const format = new Intl.NumberFormat(words.language.intl, {
    style: 'unit', unit: mega ? 'megabyte' : 'kilobyte', unitDisplay: 'short', maximumFractionDigits: mega ? 1 : 0,
  });
  return format.format(bytes / (mega ? 1_000_000 : 1_000));
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

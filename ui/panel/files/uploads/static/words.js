// Sizes, times and rates as people read them. Decimal units, as everywhere in the panel.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

const threeDigits = (number) => number.toFixed(number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2);

export function size(bytes) {
  let unit = 0;
  while (bytes >= 999.5 && unit < UNITS.length - 1) [bytes, unit] = [bytes / 1000, unit + 1];
  return unit === 0 ? `${Math.round(bytes)} B` : `${threeDigits(bytes)} ${UNITS[unit]}`;
}

export const rate = (bytesPerSecond) => `${size(bytesPerSecond)}/s`;

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(hours / 24)} days`;
}

export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export const percent = (part, whole) => `${whole ? Math.floor((100 * part) / whole) : 0} %`;

export function when(text) {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? "" : at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

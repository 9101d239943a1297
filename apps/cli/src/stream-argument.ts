import { isManaged, managedNames, parseSize, SIZE_FORM, type ManagedName } from '@spillway/topology';
import { InvalidArgumentError } from 'commander';

export const streamArgument = (value: string): ManagedName => {
  if (!isManaged(value)) throw new InvalidArgumentError(`wanted one of ${managedNames.join(', ')}`);
  return value;
};

export const sizeArgument = (value: string): number => {
  const bytes = parseSize(value);
  if (bytes === undefined) throw new InvalidArgumentError(`wanted ${SIZE_FORM}`);
  return bytes;
};

export const countArgument = (value: string): number => {
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new InvalidArgumentError('wanted a whole number above 0');
  return Number(value);
};

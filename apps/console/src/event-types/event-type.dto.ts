import { IsObject, IsString, MaxLength, MinLength } from 'class-validator';
import { IfSet, IsSmallJson } from '../input/rules.ts';

/** With the description it stays far below what one message of the registry may hold, and a hundred of them below what a page of the list should. */
const MAX_JSON_BYTES = 32 * 1024;

export class EventTypeDto {
  @IsString({ message: 'a string' })
  @MinLength(1, { message: 'at least one character' })
  @MaxLength(2_000, { message: 'at most 2000 characters' })
  description!: string;

  @IfSet()
  @IsSmallJson(MAX_JSON_BYTES)
  example?: unknown;

  @IfSet()
  @IsObject({ message: 'a JSON Schema, as an object' })
  @IsSmallJson(MAX_JSON_BYTES)
  schema?: object;
}

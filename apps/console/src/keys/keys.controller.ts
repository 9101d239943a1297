import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { KeyRing, KeyStore, mayGrant, reaches, WHOLE_PLANE, type KeyDraft, type KeyRecord, type Principal } from '@spillway/keys';
import { By } from '../access/access.guard.ts';
import { NeedsKey } from '../access/needs.ts';
import { BodyOf } from '../input/body-of.ts';
import { byCreation, pageOf, pageQuery, type Page } from '../input/paging.ts';
import { mayNotGrant, notReady, unknown } from '../problems.ts';
import { CreateKeyDto } from './key.dto.ts';

export type KeyView = Omit<KeyRecord, 'hash'>;

/** By name, so that nothing added to the record is shown unawares. */
const keyView = ({ id, tenant, scopes, description, expiresAt, ratePerSecond, createdAt, createdBy }: KeyRecord): KeyView => ({
  id,
  tenant,
  scopes,
  description,
  expiresAt,
  ratePerSecond,
  createdAt,
  createdBy,
});

const draftOf = ({ tenant, scopes, expiresAt, description, ratePerSecond }: CreateKeyDto): KeyDraft => ({
  scopes,
  ...(tenant ? { tenant } : {}),
  ...(expiresAt ? { expiresAt: new Date(expiresAt).toISOString() } : {}),
  ...(description ? { description } : {}),
  ...(ratePerSecond ? { ratePerSecond } : {}),
});

/** A key of one tenant sees and makes keys of that tenant only, and nobody gives away what he does not hold. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly ring: KeyRing,
    private readonly store: KeyStore,
  ) {}

  /** The only answer that ever shows the key. */
  @Post()
  @NeedsKey('keys:admin')
  async create(@Body(new BodyOf(CreateKeyDto)) dto: CreateKeyDto, @By() by: Principal): Promise<KeyView & { key: string }> {
    const draft = draftOf(dto);
    if (!mayGrant(by, draft.tenant, draft.scopes)) throw mayNotGrant(draft.tenant);
    const { record, text } = await this.store.create(draft, by.id);
    return { ...keyView(record), key: text };
  }

  @Get()
  @NeedsKey('keys:admin')
  list(@Query() query: Record<string, unknown>, @By() by: Principal): Page<KeyView> {
    if (!this.ring.state.ready) throw notReady(this.ring.state.why);
    return pageOf(
      [...this.ring.all()].filter((record) => reaches(by, record.tenant ?? WHOLE_PLANE)),
      byCreation,
      keyView,
      pageQuery(query),
    );
  }

  @Get(':id')
  @NeedsKey('keys:admin')
  get(@Param('id') id: string, @By() by: Principal): KeyView {
    if (!this.ring.state.ready) throw notReady(this.ring.state.why);
    const record = this.ring.get(id);
    // another tenant's key is as unknown as one that never was: ids are not to be probed for
    if (record === undefined || !reaches(by, record.tenant ?? WHOLE_PLANE)) throw unknown('unknown_key', `no key ${id}`);
    return keyView(record);
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsKey('keys:admin')
  async revoke(@Param('id') id: string, @By() by: Principal): Promise<void> {
    this.get(id, by);
    await this.store.remove(id);
  }
}

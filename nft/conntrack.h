/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * conntrack - the kernel's table of connections, and which of its entries are our conversations.
 *
 * An entry has no name. Ours are told by their form: UDP, in a zone of the original direction
 * alone, and translated to the port whose number is that of the zone. Nobody else has a reason to
 * make one like that. Where another program has removed some of our rules, entries of ours may not
 * be translated; these are in the zone of a target of the port that they came for.
 */
#ifndef EM_NFT_CONNTRACK_H
#define EM_NFT_CONNTRACK_H

#include "nft/netlink.h"
#include "policy/conversation.h"
#include "policy/policy.h"

struct em_conntrack {
	uint8_t family;
	uint8_t protocol;
	bool translated;	       /* its destination is */
	uint16_t zone;		       /* of the original direction; 0: the default one */
	uint16_t reply_zone;	       /* of the other one */
	uint16_t known;		       /* port that the original packets came for */
	uint16_t target;	       /* port that replies come from */
	const struct nlattr *original; /* CTA_TUPLE_ORIG, and so on, as the kernel wrote them */
	const struct nlattr *reply;
	const struct nlattr *id;
};

/* As far as a policy with these conversations can tell. */
bool em_conntrack_is_ours(const struct em_conntrack *entry,
			  const struct em_conversations *conversations);

/*
 * Calls found for each entry until it says false, which is -ENOMEM then.  Returns 0 or -errno, not
 * reported: -EINVAL or -EOPNOTSUPP where the kernel has no ctnetlink.
 */
int em_conntrack_list(struct em_netlink *netlink,
		      bool (*found)(void *context, const struct em_conntrack *entry),
		      void *context);

/*
 * Ends the conversations that the policy does not have, and those that are not translated; NULL:
 * all of ours. Entries of others stay. Returns 0 or -errno, reported.
 */
int em_conntrack_end(struct em_netlink *netlink, const struct em_policy *policy,
		     struct em_diag *diag);

/* Warns where the host remembers fewer conversations than the listeners' `flows` ask for. */
void em_conntrack_warn(const struct em_policy *policy, struct em_diag *diag);

#endif

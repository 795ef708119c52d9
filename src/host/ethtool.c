/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
#include "host/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"

int em_ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = {.ifr_data = command};

	snprintf(request.ifr_name, IF_NAMESIZE, "%s", name);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* A struct ethtool_sset_info with room for one number. */
struct feature_count {
	uint32_t cmd;
	uint32_t reserved;
	uint64_t sset_mask;
	uint32_t n;
};

int em_ethtool_unless_lacking(int rc)
{
	return rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENODEV ? 0 : rc;
}

/* Newer kernels (6.18, for example) return names only if the request gives their number. */
static int count_features(int fd, const char *name, uint32_t *n)
{
	struct feature_count count = {.cmd = ETHTOOL_GSSET_INFO,
				      .sset_mask = 1ULL << ETH_SS_FEATURES};

	int rc = em_ethtool(fd, name, &count);

	*n = !rc && count.sset_mask ? count.n : 0;
	return rc;
}

/* Features are found by name, as their numbers differ between kernels. */
static void find_features(struct em_link *link, const struct ethtool_gstrings *names,
			  const struct ethtool_gfeatures *states)
{
	const struct {
		const char *name;
		bool *state;
	} wanted[] = {
		{"rx-gro-list", &link->gro_list},
		{"rx-udp-gro-forwarding", &link->udp_forwarding},
		{"rx-vlan-hw-parse", &link->vlan_offload},
		{"rx-gro", &link->gro},
		{"rx-gro-hw", &link->gro_hw},
		{"rx-lro", &link->lro},
	};

	for (uint32_t i = 0; i < names->len && i / 32 < states->size; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;

		for (size_t j = 0; j < sizeof(wanted) / sizeof(wanted[0]); j++)
			if (!strncmp(name, wanted[j].name, ETH_GSTRING_LEN))
				*wanted[j].state = states->features[i / 32].active & 1U << i % 32;
	}
}

int em_ethtool_features(int fd, struct em_link *link)
{
	struct ethtool_gfeatures *states __attribute__((cleanup(em_freep))) = NULL;
	struct ethtool_gstrings *names __attribute__((cleanup(em_freep))) = NULL;
	uint32_t n;
	int rc = count_features(fd, link->name, &n);

	if (rc)
		return rc == -ENODEV ? rc : em_ethtool_unless_lacking(rc);
	names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	states = calloc(1, sizeof(*states) + (n / 32 + 1) * sizeof(states->features[0]));
	if (!names || !states)
		return -ENOMEM;
	*names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = n};
	*states = (struct ethtool_gfeatures){.cmd = ETHTOOL_GFEATURES, .size = n / 32 + 1};
	if (n)
		rc = em_ethtool(fd, link->name, names);
	if (!rc)
		rc = em_ethtool(fd, link->name, states);
	if (rc)
		return rc == -ENODEV ? rc : em_ethtool_unless_lacking(rc);
	find_features(link, names, states);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_address - where a listener listens and to whom: interfaces, addresses, sources.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

/*
 * dev_valid_name() of the kernel, and nothing that would mean something else where a ruleset is
 * printed: control characters, quotes, backslashes, wildcards.
 */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	if (length < 1 || length >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (strchr("/:\"\\*", *name) || isspace((unsigned char)*name) ||
		    iscntrl((unsigned char)*name))
			return false;
	return true;
}

static int read_interface(struct em_reader *reader, const config_setting_t *setting,
			  struct em_listener *listener)
{
	const char *name;
	int error = em_config_string(reader, setting, &name);

	if (error)
		return error;
	if (!is_interface_name(name))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected the name of an interface, 1-15 bytes "
					 "without blanks and / : \" \\ *",
					 name);
	if (em_listener_on(listener, name))
		return em_config_mistake(reader, setting,
					 "\"%s\" is there already, expected each interface once",
					 name);
	if (listener->n_interfaces < EM_INTERFACES_MAX)
		strcpy(listener->interfaces[listener->n_interfaces++], name);
	return 0;
}

int em_config_read_interfaces(struct em_reader *reader, const struct em_config_key *key,
			      const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	int n = em_config_array(reader, key, setting);
	int result = 0;

	if (n < 0)
		return n;
	if (n > EM_INTERFACES_MAX)
		result = em_config_mistake(reader, setting, "%d interfaces, expected 1-%d", n,
					   EM_INTERFACES_MAX);
	listener->interfaces = calloc(EM_INTERFACES_MAX, sizeof(*listener->interfaces));
	if (!listener->interfaces)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		const config_setting_t *name = config_setting_get_elem(setting, (unsigned int)i);

		result = em_config_worse(result, read_interface(reader, name, listener));
	}
	return result;
}

static bool parse_address(const char *text, struct em_address *out)
{
	*out = (struct em_address){.family = AF_INET};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct em_address){.family = AF_INET6};
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

static int read_address(struct em_reader *reader, const config_setting_t *setting,
			struct em_address *out)
{
	const char *text;
	int error = em_config_string(reader, setting, &text);

	if (error)
		return error;
	if (strchr(text, '/'))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an address without a prefix length",
					 text);
	if (!parse_address(text, out))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an IPv4 or IPv6 address", text);
	return 0;
}

/* An address and which of the array it was. */
struct numbered {
	struct em_address address;
	unsigned int i;
};

static int by_address(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	return order ? order : (x->i > y->i) - (x->i < y->i);
}

static int report_repeated(struct em_reader *reader, const config_setting_t *setting,
			   struct numbered *addresses, size_t n)
{
	int result = 0;

	qsort(addresses, n, sizeof(*addresses), by_address);
	for (size_t k = 1; k < n; k++) {
		const config_setting_t *one = config_setting_get_elem(setting, addresses[k].i);

		if (memcmp(&addresses[k].address, &addresses[k - 1].address,
			   sizeof(addresses[k].address)) == 0)
			result = em_config_mistake(reader, one,
						   "\"%s\" is there already, expected each address "
						   "once",
						   config_setting_get_string(one));
	}
	return result;
}

static int read_addresses(struct em_reader *reader, const config_setting_t *setting,
			  struct em_listener *listener, unsigned int n)
{
	struct numbered *numbered = calloc(n, sizeof(*numbered));
	size_t good = 0;
	int result = 0;

	listener->addresses = calloc(n, sizeof(*listener->addresses));
	if (!numbered || !listener->addresses) {
		free(numbered);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < n; i++) {
		int error = read_address(reader, config_setting_get_elem(setting, i),
					 &numbered[good].address);

		result = em_config_worse(result, error);
		if (error)
			continue;
		listener->addresses[good] = numbered[good].address;
		numbered[good++].i = i;
	}
	listener->n_addresses = good;
	result = em_config_worse(result, report_repeated(reader, setting, numbered, good));
	free(numbered);
	return result;
}

int em_config_read_addresses(struct em_reader *reader, const struct em_config_key *key,
			     const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	int n = em_config_array(reader, key, setting);
	int error = n < 0 ? n : read_addresses(reader, setting, listener, (unsigned int)n);

	/* Not known which packets it claims: none, for em_policy_finish(). */
	if (error)
		listener->unreadable = true;
	return error;
}

/* "ADDRESS/LENGTH" or "ADDRESS" into *out, host bits and all. */
static bool parse_prefix(const char *text, struct em_prefix *out)
{
	char address[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	const char *bits = text + length + 1;
	unsigned int most;

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!parse_address(address, &out->address))
		return false;
	most = out->address.family == AF_INET ? 32 : 128;
	out->length = (uint8_t)most;
	if (!text[length])
		return true;
	if (!*bits || strlen(bits) > 3 || bits[strspn(bits, "0123456789")] ||
	    strtoul(bits, NULL, 10) > most)
		return false;
	out->length = (uint8_t)strtoul(bits, NULL, 10);
	return true;
}

static struct em_address network_of(const struct em_prefix *prefix)
{
	struct em_address network = prefix->address;

	for (unsigned int bit = prefix->length; bit < 8 * sizeof(network.bytes); bit++)
		network.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return network;
}

static int read_source(struct em_reader *reader, const config_setting_t *setting,
		       struct em_prefix *out)
{
	char meant[INET6_ADDRSTRLEN];
	struct em_address network;
	const char *text;
	int error = em_config_string(reader, setting, &text);

	if (error)
		return error;
	if (!parse_prefix(text, out))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an IPv4 or IPv6 prefix, e.g. "
					 "\"192.0.2.0/24\"",
					 text);
	network = network_of(out);
	if (memcmp(&network, &out->address, sizeof(network)) == 0)
		return 0;
	inet_ntop(network.family, network.bytes, meant, sizeof(meant));
	return em_config_mistake(reader, setting,
				 "\"%.80s\" has bits set beyond the prefix, expected \"%s/%u\"",
				 text, meant, out->length);
}

int em_config_read_sources(struct em_reader *reader, const struct em_config_key *key,
			   const config_setting_t *setting, void *object)
{
	struct em_listener *listener = object;
	int n = em_config_array(reader, key, setting);
	int result = 0;

	if (n < 0)
		return n;
	listener->sources = calloc((size_t)n, sizeof(*listener->sources));
	if (!listener->sources)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		int error = read_source(reader, config_setting_get_elem(setting, (unsigned int)i),
					&listener->sources[listener->n_sources]);

		result = em_config_worse(result, error);
		listener->n_sources += !error;
	}
	return result;
}

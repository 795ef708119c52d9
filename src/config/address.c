/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/*
 * config_address - where a listener listens and to whom: interfaces, addresses, sources.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

/*
 * The rules of dev_valid_name() in the kernel; besides, no control characters, quotes, backslashes
 * or wildcards, which would mean something else in a printed ruleset.
 */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	if (length < 1 || length > EM_INTERFACE_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (strchr("/:\"\\*", *name) || isspace((unsigned char)*name) ||
		    iscntrl((unsigned char)*name))
			return false;
	return true;
}

static int read_interface(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct em_listener *listener = object;
	struct em_interface *interface;
	const char *name;
	int rc = em_config_string(reader, setting, &name);

	if (rc)
		return rc;
	if (!is_interface_name(name))
		return em_config_mistake(
			reader, setting,
			"\"%.80s\": expected the name of an interface, 1-127 bytes "
			"without blanks and / : \" \\ *",
			name);
	if (em_listener_on(listener, name))
		return em_config_mistake(reader, setting,
					 "\"%s\" is there already, expected each interface once",
					 name);
	interface = &listener->interfaces[listener->n_interfaces++];
	interface->place = setting->place;
	strcpy(interface->name, name);
	return 0;
}

int em_config_read_interfaces(struct em_reader *reader, const struct em_config_key *key,
			      const struct em_setting *setting, void *object)
{
	struct em_listener *listener = object;

	listener->interfaces = calloc(EM_INTERFACES_MAX, sizeof(*listener->interfaces));
	if (!listener->interfaces)
		return -ENOMEM;
	return em_config_array(reader, key, setting, read_interface, listener);
}

static bool parse_address(const char *text, struct em_address *out)
{
	*out = (struct em_address){.family = AF_INET};
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return true;
	*out = (struct em_address){.family = AF_INET6};
	return inet_pton(AF_INET6, text, out->bytes) == 1;
}

/* An address and the setting that it is from. */
struct numbered {
	struct em_address address;
	const struct em_setting *setting;
};

struct addresses {
	struct numbered *items;
	size_t n;
};

static int read_address(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct addresses *addresses = object;
	struct numbered *item = &addresses->items[addresses->n];
	const char *text;
	int rc = em_config_string(reader, setting, &text);

	if (rc)
		return rc;
	if (strchr(text, '/'))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an address without a prefix length",
					 text);
	if (!parse_address(text, &item->address))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an IPv4 or IPv6 address", text);
	item->setting = setting;
	addresses->n++;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order = memcmp(&x->address, &y->address, sizeof(x->address));

	return order ? order
		     : (x->setting->index > y->setting->index) -
			       (x->setting->index < y->setting->index);
}

static int report_repeated(struct em_reader *reader, const struct addresses *addresses)
{
	struct numbered *items = addresses->items;
	int result = 0;

	qsort(items, addresses->n, sizeof(*items), by_address);
	for (size_t k = 1; k < addresses->n; k++)
		if (!memcmp(&items[k].address, &items[k - 1].address, sizeof(items[k].address)))
			result = em_config_mistake(reader, items[k].setting,
						   "\"%s\" is there already, expected each address "
						   "once",
						   items[k].setting->text);
	return result;
}

int em_config_read_addresses(struct em_reader *reader, const struct em_config_key *key,
			     const struct em_setting *setting, void *object)
{
	struct em_listener *listener = object;
	struct addresses addresses = {.items = calloc(setting->n + 1, sizeof(*addresses.items))};
	int rc = -ENOMEM;

	listener->addresses = calloc(setting->n + 1, sizeof(*listener->addresses));
	if (addresses.items && listener->addresses) {
		rc = em_config_array(reader, key, setting, read_address, &addresses);
		for (size_t i = 0; i < addresses.n; i++)
			listener->addresses[i] = addresses.items[i].address;
		listener->n_addresses = addresses.n;
		rc = em_config_worse(rc, report_repeated(reader, &addresses));
	}
	free(addresses.items);
	return rc;
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

static int read_source(struct em_reader *reader, const struct em_setting *setting, void *object)
{
	struct em_listener *listener = object;
	struct em_prefix *out = &listener->sources[listener->n_sources];
	char meant[INET6_ADDRSTRLEN];
	struct em_address network;
	const char *text;
	int rc = em_config_string(reader, setting, &text);

	if (rc)
		return rc;
	if (!parse_prefix(text, out))
		return em_config_mistake(reader, setting,
					 "\"%.80s\": expected an IPv4 or IPv6 prefix, e.g. "
					 "\"192.0.2.0/24\"",
					 text);
	network = network_of(out);
	if (memcmp(&network, &out->address, sizeof(network)) == 0) {
		listener->n_sources++;
		return 0;
	}
	inet_ntop(network.family, network.bytes, meant, sizeof(meant));
	return em_config_mistake(reader, setting,
				 "\"%.80s\" has bits set beyond the prefix, expected \"%s/%u\"",
				 text, meant, out->length);
}

int em_config_read_sources(struct em_reader *reader, const struct em_config_key *key,
			   const struct em_setting *setting, void *object)
{
	struct em_listener *listener = object;

	listener->sources = calloc(setting->n + 1, sizeof(*listener->sources));
	if (!listener->sources)
		return -ENOMEM;
	return em_config_array(reader, key, setting, read_source, listener);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 the entitymux authors */
/* A capture, as explain reads it. */
#include <stdlib.h>
#include <unistd.h>

#include "capture/capture.h"
#include "fuzz.h"
#include "policy/classify.h"

#define FRAMES 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH_MAX];
	struct em_capture *capture = NULL;
	struct em_classification result;
	struct em_frame frame;
	struct em_diag diag;
	int fd = fuzz_file(data, size, path);

	fuzz_diag(&diag);
	if (!em_capture_open(&capture, path, &diag)) {
		for (int i = 0; i < FRAMES && em_capture_next(capture, &frame, &diag) > 0; i++) {
			if (frame.captured > frame.length)
				abort();
			em_classify(fuzz_known_policy(0), "in0", frame.bytes, frame.length,
				    &result);
		}
		em_capture_close(capture);
	} else if (!diag.errors) {
		abort();
	}
	close(fd);
	return 0;
}

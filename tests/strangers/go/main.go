// Drives Microsoft's Go SDK for Resource Manager, unmodified, with the environment of `env` alone.
// Prints one line for each operation: {"protocol", "operation", "said": null if it worked}.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/deviceprovisioningservices/armdeviceprovisioningservices"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/iothub/armiothub"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
)

const group, hub, service, place = "go", "go-hub", "go-dps", "westeurope"

var background = context.Background()
var often = &runtime.PollUntilDoneOptions{Frequency: time.Second}

func attempt(operation string, work func() error) {
	var said any
	if err := work(); err != nil {
		said = err.Error()
	}
	line, _ := json.Marshal(map[string]any{"protocol": "ARM", "operation": operation, "said": said})
	fmt.Println(string(line))
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func require(condition bool, fact string, values ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(fact, values...)
}

func signed(name string, key *ecdsa.PrivateKey, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: issuer == nil, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, issuerKey))))
}

func encoded(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

func pages[T any](pager *runtime.Pager[T], count func(T) int) (int, error) {
	found := 0
	for pager.More() {
		page, err := pager.NextPage(background)
		if err != nil {
			return 0, err
		}
		found += count(page)
	}
	return found, nil
}

func listed[T any](pager *runtime.Pager[T], count func(T) int, least int) error {
	found, err := pages(pager, count)
	if err != nil {
		return err
	}
	return require(found >= least, "%d are listed", found)
}

func main() {
	subscription := os.Getenv("AZURE_SUBSCRIPTION_ID")
	credential := must(azidentity.NewEnvironmentCredential(nil))
	hubs := must(armiothub.NewClientFactory(subscription, credential, nil))
	groups := must(armresources.NewResourceGroupsClient(subscription, credential, nil))
	must(groups.CreateOrUpdate(background, group, armresources.ResourceGroup{Location: to.Ptr(place)}, nil))
	driveHub(hubs.NewResourceClient())
	driveCertificates(hubs.NewCertificatesClient())
	driveReads(hubs)
	driveService(must(armdeviceprovisioningservices.NewClientFactory(subscription, credential, nil)))
	attempt("delete", func() error {
		poller, err := hubs.NewResourceClient().BeginDelete(background, group, hub, nil)
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(background, often)
		return err
	})
}

func put(client *armiothub.ResourceClient, description armiothub.Description, etag *string) error {
	poller, err := client.BeginCreateOrUpdate(background, group, hub, description, &armiothub.ResourceClientBeginCreateOrUpdateOptions{IfMatch: etag})
	if err != nil {
		return err
	}
	_, err = poller.PollUntilDone(background, often)
	return err
}

func driveHub(client *armiothub.ResourceClient) {
	attempt("create", func() error {
		return put(client, armiothub.Description{
			Location: to.Ptr(place),
			SKU:      &armiothub.SKUInfo{Name: to.Ptr(armiothub.IotHubSKUS1), Capacity: to.Ptr[int64](1)},
		}, nil)
	})
	attempt("read, change and write with the etag", func() error {
		found, err := client.Get(background, group, hub, nil)
		if err != nil {
			return err
		}
		found.Description.Tags = map[string]*string{"line": to.Ptr("two")}
		if err := put(client, found.Description, found.Etag); err != nil {
			return err
		}
		return require(put(client, found.Description, found.Etag) != nil, "a stale etag was accepted")
	})
	attempt("tags", func() error {
		poller, err := client.BeginUpdate(background, group, hub, armiothub.TagsResource{Tags: map[string]*string{"line": to.Ptr("three")}}, nil)
		if err != nil {
			return err
		}
		changed, err := poller.PollUntilDone(background, often)
		if err != nil {
			return err
		}
		return require(*changed.Tags["line"] == "three", "the tag is %s", *changed.Tags["line"])
	})
	attempt("consumer group", func() error {
		body := armiothub.EventHubConsumerGroupBodyDescription{Properties: &armiothub.EventHubConsumerGroupName{Name: to.Ptr("readers")}}
		if _, err := client.CreateEventHubConsumerGroup(background, group, hub, "events", "readers", body, nil); err != nil {
			return err
		}
		pager := client.NewListEventHubConsumerGroupsPager(group, hub, "events", nil)
		return listed(pager, func(page armiothub.ResourceClientListEventHubConsumerGroupsResponse) int { return len(page.Value) }, 2)
	})
	attempt("keys", func() error {
		return listed(client.NewListKeysPager(group, hub, nil), func(page armiothub.ResourceClientListKeysResponse) int { return len(page.Value) }, 5)
	})
}

func driveCertificates(client *armiothub.CertificatesClient) {
	attempt("proof of possession", func() error {
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		ca := signed("Go CA", key, nil, nil)
		body := armiothub.CertificateDescription{
			Properties: &armiothub.CertificateProperties{Certificate: to.Ptr(base64.StdEncoding.EncodeToString(encoded(ca)))},
		}
		made, err := client.CreateOrUpdate(background, group, hub, "ca", body, nil)
		if err != nil {
			return err
		}
		coded, err := client.GenerateVerificationCode(background, group, hub, "ca", *made.Etag, nil)
		if err != nil {
			return err
		}
		own := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		proof := armiothub.CertificateVerificationDescription{
			Certificate: to.Ptr(base64.StdEncoding.EncodeToString(encoded(signed(*coded.Properties.VerificationCode, own, ca, key)))),
		}
		verified, err := client.Verify(background, group, hub, "ca", *coded.Etag, proof, nil)
		if err != nil {
			return err
		}
		if _, err := client.Delete(background, group, hub, "ca", *verified.Etag, nil); err != nil {
			return err
		}
		return require(*verified.Properties.IsVerified, "it is not verified")
	})
}

func driveReads(factory *armiothub.ClientFactory) {
	client := factory.NewResourceClient()
	attempt("name check", func() error {
		answer, err := client.CheckNameAvailability(background, armiothub.OperationInputs{Name: to.Ptr(hub)}, nil)
		if err != nil {
			return err
		}
		return require(!*answer.NameAvailable, "the name is free")
	})
	attempt("quota", func() error {
		pager := client.NewGetQuotaMetricsPager(group, hub, nil)
		return listed(pager, func(page armiothub.ResourceClientGetQuotaMetricsResponse) int { return len(page.Value) }, 2)
	})
	attempt("statistics", func() error {
		_, err := client.GetStats(background, group, hub, nil)
		return err
	})
	attempt("skus", func() error {
		return listed(client.NewGetValidSKUsPager(group, hub, nil), func(page armiothub.ResourceClientGetValidSKUsResponse) int { return len(page.Value) }, 3)
	})
	attempt("endpoint health", func() error {
		pager := client.NewGetEndpointHealthPager(group, hub, nil)
		return listed(pager, func(page armiothub.ResourceClientGetEndpointHealthResponse) int { return len(page.Value) }, 0)
	})
	attempt("routes, tested", func() error {
		_, err := client.TestAllRoutes(background, hub, group, armiothub.TestAllRoutesInput{RoutingSource: to.Ptr(armiothub.RoutingSourceDeviceMessages)}, nil)
		return err
	})
	attempt("jobs", func() error {
		return listed(client.NewListJobsPager(group, hub, nil), func(page armiothub.ResourceClientListJobsResponse) int { return len(page.Value) }, 0)
	})
	attempt("private link resources", func() error {
		found, err := factory.NewPrivateLinkResourcesClient().List(background, group, hub, nil)
		if err != nil {
			return err
		}
		return require(len(found.Value) == 1, "%d are listed", len(found.Value))
	})
	attempt("private endpoint connections", func() error {
		_, err := factory.NewPrivateEndpointConnectionsClient().List(background, group, hub, nil)
		return err
	})
	attempt("operations", func() error {
		pager := factory.NewOperationsClient().NewListPager(nil)
		return listed(pager, func(page armiothub.OperationsClientListResponse) int { return len(page.Value) }, 1)
	})
	attempt("usages", func() error {
		_, err := factory.NewResourceProviderCommonClient().GetSubscriptionQuota(background, nil)
		return err
	})
	attempt("failover", func() error {
		poller, err := factory.NewClient().BeginManualFailover(background, hub, group, armiothub.FailoverInput{FailoverRegion: to.Ptr("North Europe")}, nil)
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(background, often)
		return err
	})
}

func driveService(factory *armdeviceprovisioningservices.ClientFactory) {
	client := factory.NewIotDpsResourceClient()
	attempt("provisioning service", func() error {
		body := armdeviceprovisioningservices.ProvisioningServiceDescription{
			Location:   to.Ptr(place),
			SKU:        &armdeviceprovisioningservices.IotDpsSKUInfo{Name: to.Ptr(armdeviceprovisioningservices.IotDpsSKUS1), Capacity: to.Ptr[int64](1)},
			Properties: &armdeviceprovisioningservices.IotDpsPropertiesDescription{},
		}
		poller, err := client.BeginCreateOrUpdate(background, group, service, body, nil)
		if err != nil {
			return err
		}
		if _, err := poller.PollUntilDone(background, often); err != nil {
			return err
		}
		deletion, err := client.BeginDelete(background, service, group, nil)
		if err != nil {
			return err
		}
		_, err = deletion.PollUntilDone(background, often)
		return err
	})
}
